# cmake --install: the float library and its headers, found by others as find_package(attune) and attune::attune.
