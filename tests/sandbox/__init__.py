"""Tests of the sandbox: the emulated upstreams, held against the vendors' reference."""
