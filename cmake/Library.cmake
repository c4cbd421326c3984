# The library, one target per folder: attune_tensor, attune_autograd, … in float, and with the ending _f64 their twins,
# the same sources compiled with Scalar = double, which the tests use to check gradients to 1e-7.

include(GNUInstallDirs)
include(Embed)

# attune_library(FOLDER [FOLDERS it may use…])
function(attune_library folder)
  # Itself and all below it: what its files may include.
  set(includes ${folder})
  foreach(below ${ARGN})
    get_property(more GLOBAL PROPERTY attune_includes_of_${below})
    list(APPEND includes ${more})
  endforeach()
  list(REMOVE_DUPLICATES includes)
  set_property(GLOBAL PROPERTY attune_includes_of_${folder} ${includes})
  set_property(GLOBAL APPEND PROPERTY attune_folders ${folder})

  attune_library_as("" ${ARGV})
  if(ATTUNE_TESTS AND ATTUNE_TWIN)
    attune_library_as("_f64" ${ARGV})
  endif()
endfunction()

function(attune_library_as ending folder)
  set(target attune_${folder}${ending})
  file(GLOB sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/${folder}/*.cpp"
       "${PROJECT_SOURCE_DIR}/${folder}/simd/*.cpp")
  add_library(${target} STATIC ${sources})
  attune_compile_flags(${target})
  target_include_directories(${target} PUBLIC "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>"
                                              "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/attune>")
  foreach(below ${ARGN})
    target_link_libraries(${target} PUBLIC attune_${below}${ending})
  endforeach()
  if(folder STREQUAL "tensor")
    # What these change is visible in headers, so whoever uses the library must see them as well.
    if(ATTUNE_CHECKED)
      target_compile_definitions(${target} PUBLIC ATTUNE_CHECKED)
    endif()
    if(ending STREQUAL "_f64")
      target_compile_definitions(${target} PUBLIC ATTUNE_DOUBLE)
    else()
      target_compile_definitions(${target} INTERFACE ATTUNE_FLOAT)  # so that the headers can refuse ATTUNE_DOUBLE
    endif()
    target_link_libraries(${target} PUBLIC Threads::Threads)
    target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:attune_xsimd>)
  elseif(folder STREQUAL "io")
    target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:attune_nlohmann_json>)
    attune_embed(${target} "${PROJECT_BINARY_DIR}/io/report_parts.cpp" attune::io io/report/parts.h
                 report_html_template=io/report/page.html report_css=io/report/page.css report_js=io/report/page.js)
  elseif(folder STREQUAL "text")
    target_compile_definitions(${target} PRIVATE ATTUNE_VERSION="${PROJECT_VERSION}")  # for the signature of BLEU
    if(ATTUNE_SENTENCEPIECE)
      target_compile_definitions(${target} PRIVATE ATTUNE_SENTENCEPIECE)
      target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:SentencePiece::SentencePiece>
                                              $<INSTALL_INTERFACE:attune::sentencepiece>)
    endif()
  endif()
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${folder})
  if(NOT DEFINED CMAKE_POSITION_INDEPENDENT_CODE)
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON)  # for shared libraries that use it
  endif()
  add_library(attune::${folder}${ending} ALIAS ${target})
  if(ending)
    set_target_properties(${target} PROPERTIES EXCLUDE_FROM_ALL ON)
  endif()
endfunction()

# attune_everything(FOLDERS…) provides attune::attune, and its twin attune::attune_f64.
function(attune_everything)
  foreach(ending "" "_f64")
    if(TARGET attune_tensor${ending})
      add_library(attune_attune${ending} INTERFACE)
      set_target_properties(attune_attune${ending} PROPERTIES EXPORT_NAME attune)
      add_library(attune::attune${ending} ALIAS attune_attune${ending})
      foreach(folder ${ARGN})
        target_link_libraries(attune_attune${ending} INTERFACE attune_${folder}${ending})
      endforeach()
    endif()
  endforeach()
endfunction()
