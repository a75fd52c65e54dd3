#!/bin/sh
# /usr/local/bin/campaigns: the command with this host's settings, in whatever folder it is called. Its files are those of
# the user "campaigns", so it is called by that one: sudo -u campaigns campaigns doctor
exec /opt/campaigns/bin/dotenv --file /etc/campaigns/environment run --no-override -- \
  sh -c 'SPOOL_DIR=${SPOOL_DIR:-/var/lib/campaigns/spool} exec /opt/campaigns/bin/campaigns "$@"' campaigns "$@"
