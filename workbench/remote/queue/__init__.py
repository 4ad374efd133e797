"""The queue of a machine: who waits, who may start with which GPUs, who else uses them."""
