"""Licences (电子证照): collected as issuers signed them, held, verified, never altered."""
