"""The disks of this machine: locks on files, copying, what a file system is and how full."""
