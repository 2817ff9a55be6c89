# The target dog::dog within this tree: libdog as the Makefile builds it, or as it has built it in DOG_BUILD_DIR.

if(DOG_BUILD_DIR)
  set(dog_output "${DOG_BUILD_DIR}")
  set(dog_include "${DOG_BUILD_DIR}/include")
else()
  set(dog_output "${CMAKE_CURRENT_BINARY_DIR}/dog")
  # Targets may only name folders that are there when CMake configures, which the output's is not.
  set(dog_include "${CMAKE_CURRENT_SOURCE_DIR}/include")
endif()
set(dog_library "${dog_output}/lib/libdog.so.${PROJECT_VERSION}")

add_library(dog::dog SHARED IMPORTED GLOBAL)
set_target_properties(dog::dog PROPERTIES
  IMPORTED_LOCATION "${dog_library}"
  IMPORTED_SONAME "libdog.so.${PROJECT_VERSION_MAJOR}"
  INTERFACE_INCLUDE_DIRECTORIES "${dog_include}")

if(DOG_BUILD_DIR)
  if(NOT EXISTS "${dog_library}" OR NOT EXISTS "${dog_include}/dog.h")
    message(FATAL_ERROR "DOG_BUILD_DIR is ${DOG_BUILD_DIR}, which has no lib/libdog.so.${PROJECT_VERSION} or no "
      "include/dog.h. `make` puts both into build/; without DOG_BUILD_DIR the library is built here.")
  endif()
  return()
endif()

if(CMAKE_CROSSCOMPILING)
  message(FATAL_ERROR "DOG cannot be cross-compiled here: name a folder with a build for the target in DOG_BUILD_DIR.")
endif()
if("${CMAKE_CURRENT_SOURCE_DIR}${dog_output}" MATCHES "[ \t]")
  message(FATAL_ERROR "DOG is built by make, which takes no folder with a space in its name: ${dog_output}")
endif()
find_program(DOG_MAKE NAMES gmake make DOC "GNU make, which builds DOG")
find_program(DOG_SWIFT NAMES swift DOC "The swift command that builds DOG")
if(NOT DOG_MAKE OR NOT DOG_SWIFT)
  message(FATAL_ERROR "DOG is built with GNU make and Swift (https://www.swift.org/install/linux/), of which one is "
    "missing. Put it in PATH, or name it in DOG_MAKE or DOG_SWIFT; or name a folder with a build in DOG_BUILD_DIR.")
endif()

# Asked only when a source has changed. The stamp says when that was: a library that came out the same keeps its age.
file(GLOB_RECURSE dog_sources CONFIGURE_DEPENDS Sources/* scripts/*)
set(dog_stamp "${CMAKE_CURRENT_BINARY_DIR}/dog-library.stamp")
add_custom_command(
  OUTPUT "${dog_stamp}"
  BYPRODUCTS "${dog_library}"
  # What the outer make was told is not meant for the inner one; and Swift has a C compiler of its own, which it leaves
  # for any that CC names.
  COMMAND "${CMAKE_COMMAND}" -E env --unset=MAKEFLAGS --unset=MFLAGS --unset=MAKELEVEL --unset=CC --unset=CXX
    "${DOG_MAKE}" lib "BUILD=${dog_output}" "SCRATCH=${CMAKE_CURRENT_BINARY_DIR}/swift" "SWIFT=${DOG_SWIFT}"
  COMMAND "${CMAKE_COMMAND}" -E touch "${dog_stamp}"
  WORKING_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}"
  DEPENDS ${dog_sources} Makefile Package.swift dog.pc.in include/dog.h
  COMMENT "Building libdog (Swift, release)"
  USES_TERMINAL VERBATIM)
set(dog_all)
if(dog_is_top_level)
  set(dog_all ALL)
endif()
add_custom_target(dog-library ${dog_all} DEPENDS "${dog_stamp}")
add_dependencies(dog::dog dog-library)
