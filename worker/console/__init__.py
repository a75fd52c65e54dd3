"""What the command `campaigns` asks, does and shows, one command a file; `worker.cli` names them."""
