"""What is needed of the machine: files, paths, logs, progress, signals, environment, device."""
