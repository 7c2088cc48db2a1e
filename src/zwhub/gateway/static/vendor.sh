#!/bin/sh
# Fetch the vendored browser libraries (第三方前端库) again, from the npm registry, unchanged.
# Run in this folder; needs npm and tar. `git diff --stat` must then be empty: same bytes.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

take() { # take PACKAGE VERSION, then pairs of FILE-IN-PACKAGE NAME-HERE
  npm pack --silent --pack-destination "$work" "$1@$2" > /dev/null
  tar -xzf "$work/$1-$2.tgz" -C "$work"
  shift 2
  while [ $# -gt 0 ]; do
    cp "$work/package/$1" "vendor/$2"
    shift 2
  done
  rm -r "$work/package"
}

mkdir -p vendor
take graphiql 4.1.2 graphiql.min.js graphiql.js graphiql.min.css graphiql.css \
  LICENSE graphiql.LICENSE
take react 18.3.1 umd/react.production.min.js react.js LICENSE react.LICENSE
take react-dom 18.3.1 umd/react-dom.production.min.js react-dom.js LICENSE react-dom.LICENSE
take graphql-ws 6.4.2 umd/graphql-ws.min.js graphql-ws.js LICENSE.md graphql-ws.LICENSE
