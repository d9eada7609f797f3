"""What is needed of the machine: files, paths, stored text, logs, signals, device."""
