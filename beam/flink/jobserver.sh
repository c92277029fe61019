#!/bin/sh
# Starts Beam's job server on localhost:8099, with an embedded Flink, or for the
# cluster of --flink-master=HOST:PORT. Needs Java 11 or 17 and Maven; jars go to
# ${L2M_FLINK_JARS:-~/.cache/l2m/flink}, about 160 MB.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
jars=${L2M_FLINK_JARS:-${XDG_CACHE_HOME:-$HOME/.cache}/l2m/flink}
if [ ! -e "$jars/complete" ]; then
	mvn -q -f "$here/pom.xml" dependency:copy-dependencies -DoutputDirectory="$jars"
	touch "$jars/complete"
fi
opens=
for p in lang net nio time util util.concurrent io; do
	opens="$opens --add-opens=java.base/java.$p=ALL-UNNAMED"
done
# shellcheck disable=SC2086 # one word per option
exec java -Xmx4g $opens -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -cp "$jars/*" \
	org.apache.beam.runners.flink.FlinkJobServerDriver \
	--job-port=8099 --artifact-port=8098 --expansion-port=8097 "$@"
