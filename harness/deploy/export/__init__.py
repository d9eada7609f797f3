"""Files of a trained network that run without the harness: PyTorch, ONNX, OpenVINO."""
