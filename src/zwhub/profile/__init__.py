"""The profile (城市资料): one folder that says what this city is; the sample is one, yours another."""
