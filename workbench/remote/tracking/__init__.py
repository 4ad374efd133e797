"""What a training script calls: `from workbench import Run`. It appends to files and never raises."""
