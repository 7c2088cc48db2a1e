"""Places (位置): a text that remembers its lines says the same as graphql-core."""

from graphql import Source
from hypothesis import example, given
from hypothesis import strategies as st

from zwhub.gateway.places import Text


@given(st.text(alphabet="ab\r\n\u2028", max_size=30), st.integers(0, 31))
@example("a\r\nb", 2)
@example("", 0)
def test_each_place_is_where_graphql_finds_it(body: str, position: int) -> None:
    assert Text(body).get_location(position) == Source(body).get_location(position)
