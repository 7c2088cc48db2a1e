"""Licence files (证照文件): JWS, PDF and OFD, each signature with its own verdict."""
