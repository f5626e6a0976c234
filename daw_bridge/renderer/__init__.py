"""The process that renders: one device, one job at a time, the model kept warm; started and watched by the service."""
