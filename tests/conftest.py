"""The fixtures of all tests (测试装置): real servers, the sample city, a whole hub.

`server_urls`, `fresh_database`, `cache` come from `servers.py`; `migrated`, `empty_database`,
`sample_city`, `hub`, `ask`, `issuers`, `issuer` from `samplecity.py`; records are built by
`builders.py`.
"""

from hypothesis import settings

pytest_plugins = ["servers", "samplecity"]  # in this order: the second imports the first

# A busy machine is slow now and then, and that is no counterexample.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
