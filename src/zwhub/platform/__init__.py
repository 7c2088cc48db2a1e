"""The platform (平台): database, cache, files, telemetry and embedded servers; no domain noun."""
