"""The GPUs of this machine: NVIDIA's through NVML or nvidia-smi, AMD's through /sys."""
