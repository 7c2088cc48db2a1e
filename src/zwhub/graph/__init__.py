"""The graph (图): what every room's `api.py` shares, and nothing of any room."""
