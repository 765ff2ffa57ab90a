"""Generations, the finished requests, and usage and revenue by day."""
