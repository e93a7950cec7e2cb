"""How good generated text is, and whether it was learnt or learnt by heart."""
