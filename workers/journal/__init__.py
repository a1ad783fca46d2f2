"""The record of trades."""
