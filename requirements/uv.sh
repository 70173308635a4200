# For `. requirements/uv.sh` in the top directory, with $python set: gets uv as its lock says, and sets $uv to it, with the settings
# that pip has.
# shellcheck shell=bash
installer=.build/installer
uv=$installer/bin/uv
# reuse has no wheel for the C library of Debian 12, so it is built here. Nothing else is.
wheels=(--only-binary :all: --no-binary reuse)

complain() {
  printf '%s\n' "$@" >&2
  exit 1
}

# The machine's own pip gets uv, and uv gets the rest.
tool=$(sha256sum <requirements/installer.lock)
if [ "$(cat "$installer/installed" 2>/dev/null)" != "$tool" ]; then
  rm -rf "$installer"
  "$python" -m venv "$installer"
  "$installer/bin/pip" install --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary :all: \
    --requirement requirements/installer.lock || complain "uv could not be installed. Is a package index in reach?"
  printf '%s\n' "$tool" >"$installer/installed"
fi

# uv does not read the settings of pip, which is where people name a mirror of their own and its certificates. What counts most
# comes first.
settings=$("$installer/bin/pip" config list 2>/dev/null) || true
setting_of_pip() {
  local scope
  for scope in :env: install global; do sed -n "s/^$scope\.$1='\(.*\)'$/\1/p" <<<"$settings"; done | head -n 1
}
export UV_DEFAULT_INDEX=${UV_DEFAULT_INDEX:-$(setting_of_pip index-url)} SSL_CERT_FILE=${SSL_CERT_FILE:-$(setting_of_pip cert)}
[ -n "$UV_DEFAULT_INDEX" ] || unset UV_DEFAULT_INDEX
[ -n "$SSL_CERT_FILE" ] || unset SSL_CERT_FILE
export UV_SYSTEM_CERTS=true UV_PYTHON_DOWNLOADS=never
# What a package is built with is resolved each time, and the lock that the package is in does not count for that. A relative path,
# as uv takes a space for the end of one.
export UV_BUILD_CONSTRAINT=requirements/build.lock
