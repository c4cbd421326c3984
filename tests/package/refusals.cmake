# What the package refuses, and in which words.
include("${CMAKE_CURRENT_LIST_DIR}/common.cmake")

file(REMOVE_RECURSE "${SCRATCH}")
set(ask ${CMAKE_COMMAND} -S "${CMAKE_CURRENT_LIST_DIR}/asking" -B "${SCRATCH}" -G "${GENERATOR}"
        "-DCMAKE_CXX_COMPILER=${COMPILER}" "-DCMAKE_PREFIX_PATH=${PACKAGE}")
run(${ask} -DWANTED=0.1)
run(${ask} "-DWANTED=COMPONENTS\;nn\;OPTIONAL_COMPONENTS\;vision")
refused("compatible with requested version \"9\"" ${ask} -DWANTED=9)
refused("attune has no component \"vision\": there are tensor, autograd, nn, optim, io, text, attune" ${ask}
        "-DWANTED=COMPONENTS\;nn\;vision")
refused("ATTUNE_DOUBLE is defined, but the library that this is to be linked with computes in float" ${ask} -DWANTED=0.1
        -DDOUBLE=ON)
