"""The shell round the core: sockets, folders and processes, without torch."""
