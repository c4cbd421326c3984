# Finds SentencePiece, which comes with a file for pkg-config but none for CMake: the target SentencePiece::SentencePiece,
# SentencePiece_FOUND. Used by attune's own build and, once installed, by whoever uses the package.

find_path(SentencePiece_INCLUDE_DIR sentencepiece_trainer.h)
find_library(SentencePiece_LIBRARY sentencepiece)
find_library(SentencePiece_TRAIN_LIBRARY sentencepiece_train)
mark_as_advanced(SentencePiece_INCLUDE_DIR SentencePiece_LIBRARY SentencePiece_TRAIN_LIBRARY)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(SentencePiece REQUIRED_VARS SentencePiece_LIBRARY SentencePiece_TRAIN_LIBRARY
                                                              SentencePiece_INCLUDE_DIR)

if(SentencePiece_FOUND AND NOT TARGET SentencePiece::SentencePiece)
  add_library(SentencePiece::SentencePiece INTERFACE IMPORTED)
  target_include_directories(SentencePiece::SentencePiece SYSTEM INTERFACE "${SentencePiece_INCLUDE_DIR}")
  set(libraries "${SentencePiece_TRAIN_LIBRARY}" "${SentencePiece_LIBRARY}")
  if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
    # A program that cuts no text into pieces does not ask for the shared library when it starts.
    set(libraries -Wl,--push-state,--as-needed ${libraries} -Wl,--pop-state)
  endif()
  target_link_libraries(SentencePiece::SentencePiece INTERFACE ${libraries})
endif()
