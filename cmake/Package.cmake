# cmake --install: the float library and its headers, which others find as find_package(attune) and link as
# attune::attune. Their includes read as here, from the project's root: "attune.h", "nn/attention.h".

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

get_property(folders GLOBAL PROPERTY attune_folders)
install(TARGETS attune_attune EXPORT attuneTargets)
foreach(folder ${folders})
  install(TARGETS attune_${folder} EXPORT attuneTargets ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
  install(
    DIRECTORY "${PROJECT_SOURCE_DIR}/${folder}"
    DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/attune"
    FILES_MATCHING
    PATTERN "*.h")
endforeach()
install(FILES "${PROJECT_SOURCE_DIR}/attune.h" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/attune")

set(config_dir "${CMAKE_INSTALL_LIBDIR}/cmake/attune")
install(
  EXPORT attuneTargets
  NAMESPACE attune::
  DESTINATION "${config_dir}")
file(WRITE "${PROJECT_BINARY_DIR}/attuneConfig.cmake"
     "include(CMakeFindDependencyMacro)\nfind_dependency(Threads)\n"
     "include(\"\${CMAKE_CURRENT_LIST_DIR}/attuneTargets.cmake\")\n")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/attuneConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/attuneConfig.cmake" "${PROJECT_BINARY_DIR}/attuneConfigVersion.cmake"
        DESTINATION "${config_dir}")
