"""zwhub (证照枢纽): the GraphQL data hub behind a city's e-licence repository."""
