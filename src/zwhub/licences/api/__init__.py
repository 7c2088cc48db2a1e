"""Licences over GraphQL (证照接口): nothing but translation."""
