#!/bin/sh
# Makes the namespace once the server answers; cases stay visible for RETENTION after they close.
set -eu

attempt=0
until temporal operator cluster health; do
    attempt=$((attempt + 1))
    [ "$attempt" -lt 24 ] || { echo "Temporal did not become healthy at $TEMPORAL_ADDRESS" >&2; exit 1; }
    sleep 5
done
temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" > /dev/null 2>&1 ||
    temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention "$RETENTION"
