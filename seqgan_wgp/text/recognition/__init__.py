"""Recognition of kinds of files by their content, before anything is learnt from them."""
