"""Delivered files (批量归集文件): licence records as departments hand them in; `docs/deliveries.md`."""
