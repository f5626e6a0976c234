"""Layouts for programs that control the service by OSC, made from its own table of addresses."""
