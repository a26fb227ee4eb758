#!/usr/bin/env bash
# Sends a robot to its dock with kubectl alone, and follows the verdict. Usage: dock.sh ROBOT [METHOD] [ARGS]
# The id is new each time: the same id never runs twice. After the ttl the command is never begun.
set -euo pipefail
robot=$1 method=${2:-base.navigate_to} args=${3-x:0.0,y:0.0,theta:0.0}
id=dock-$(date +%s%N) ttl_ms=60000
command="$id/$method/$args/$(date +%s%3N)/$ttl_ms"

# The properties are a list. A merge patch would replace it whole, so: its place by name, and a test that it is still there.
names=($(kubectl get device "$robot" -o jsonpath='{.spec.properties[*].name}'))
place() { for i in "${!names[@]}"; do [[ ${names[$i]} == "$1" ]] && echo "$i" && return; done; return 1; }
cmd=$(place cmd) || { echo "$robot has no property cmd: apply its manifest" >&2; exit 1; }
patch="[
  {\"op\": \"test\", \"path\": \"/spec/properties/$cmd/name\", \"value\": \"cmd\"},
  {\"op\": \"add\", \"path\": \"/spec/properties/$cmd/desired\", \"value\": {\"value\": \"$command\"}}
]"
kubectl patch device "$robot" --type=json -p "$patch"

# cmd-status holds the last verdicts: ID:STATE or ID:STATE:CAUSE, joined by commas.
status='{.status.twins[?(@.propertyName=="cmd-status")].reported.value}'
for ((i = 0; i < 600; i++)); do
    found=$(kubectl get devicestatus "$robot" -o jsonpath="$status" 2>/dev/null | tr , '\n' | grep "^$id:" || true)
    if [[ $found != "${shown-}" ]]; then
        echo "$found"
        shown=$found
    fi
    case ${found#"$id:"} in
        SUCCEEDED*) exit 0 ;;
        REJECTED* | FAILED* | CANCELED* | PREEMPTED* | EXPIRED* | STOPPED* | LOST*) exit 2 ;;
    esac
    sleep 0.2
done
echo "no verdict: is the node's link up? kubectl get devicestatus $robot" >&2
exit 3
