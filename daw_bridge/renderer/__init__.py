"""The worker process: one device, one warm model, one job at a time."""
