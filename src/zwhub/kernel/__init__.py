"""The kernel (内核): pure things every room shares and no room owns; no I/O, no domain noun."""
