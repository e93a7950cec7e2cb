"""The mathematics and the loop of adversarial training; knows no modality: batch-first tensors in, numbers out."""
