"""What `/metrics` shows beside the counts: the state of this process, and what the stores are asked."""
