"""Plans (执行计划): an operation compiled once for its document, then run column by column.

A plan knows how things go well and nothing else. Whatever is unusual (an error, a null where none
may be, a value of an odd kind) ends it, and graphql-core answers in its stead: it is told what the
resolvers that were already called gave, so that nothing is done twice (`replay.py`).
"""
