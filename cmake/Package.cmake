# cmake --install: the float library and its headers, which others find as find_package(attune) and link as
# attune::attune. Their includes read as here, from the project's root: "attune.h", "nn/attention.h".

option(ATTUNE_INSTALL "Install the library" ${PROJECT_IS_TOP_LEVEL})
if(NOT ATTUNE_INSTALL)
  return()
endif()

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

get_property(folders GLOBAL PROPERTY attune_folders)
set(headers "${CMAKE_INSTALL_INCLUDEDIR}/attune")
install(TARGETS attune_attune EXPORT attuneTargets)
foreach(folder ${folders})
  install(TARGETS attune_${folder} EXPORT attuneTargets ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
  file(GLOB files CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/${folder}/*.h")
  install(FILES ${files} DESTINATION "${headers}/${folder}")
endforeach()
# Of the kernels only their table: what they are made of needs xsimd, which whoever uses the library need not have.
install(FILES "${PROJECT_SOURCE_DIR}/tensor/simd/kernels.h" "${PROJECT_SOURCE_DIR}/tensor/simd/gemm_block.h"
        DESTINATION "${headers}/tensor/simd")
install(FILES "${PROJECT_SOURCE_DIR}/attune.h" DESTINATION "${headers}")
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DOCDIR}")

set(config "${CMAKE_INSTALL_LIBDIR}/cmake/attune")
install(
  EXPORT attuneTargets
  NAMESPACE attune::
  DESTINATION "${config}")
configure_package_config_file(
  "${PROJECT_SOURCE_DIR}/cmake/attuneConfig.cmake.in" "${PROJECT_BINARY_DIR}/attuneConfig.cmake"
  INSTALL_DESTINATION "${config}"
  NO_SET_AND_CHECK_MACRO NO_CHECK_REQUIRED_COMPONENTS_MACRO)
# Before 1.0 a new minor version may break what was.
write_basic_package_version_file("${PROJECT_BINARY_DIR}/attuneConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/attuneConfig.cmake" "${PROJECT_BINARY_DIR}/attuneConfigVersion.cmake"
              "${PROJECT_SOURCE_DIR}/cmake/FindSentencePiece.cmake"
        DESTINATION "${config}")
