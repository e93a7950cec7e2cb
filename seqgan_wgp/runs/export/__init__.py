"""Models for other programs: ONNX, the Hugging Face Hub, model cards."""
