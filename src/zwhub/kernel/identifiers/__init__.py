"""Identifiers (标识与编码): numbers of people, bodies, licences and items, checked and built."""
