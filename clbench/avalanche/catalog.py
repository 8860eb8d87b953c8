"""Avalanche's strategies as rows of our tables."""
