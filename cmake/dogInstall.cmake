# What `cmake --install` installs: the library with its names, the header, and how pkg-config and find_package(dog) find
# them. All three find one another by relative paths, so the prefix may be chosen, and moved, afterwards.

get_filename_component(dog_lib "${CMAKE_INSTALL_LIBDIR}" ABSOLUTE BASE_DIR "${CMAKE_INSTALL_PREFIX}")
get_filename_component(dog_inc "${CMAKE_INSTALL_INCLUDEDIR}" ABSOLUTE BASE_DIR "${CMAKE_INSTALL_PREFIX}")
set(VERSION ${PROJECT_VERSION})
set(MAJOR ${PROJECT_VERSION_MAJOR})

# FILES keeps the links links.
install(FILES "${dog_library}" "${dog_output}/lib/libdog.so.${MAJOR}" "${dog_output}/lib/libdog.so"
  DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(FILES "${dog_include}/dog.h" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
# `cmake --install --strip` knows only what CMake has linked itself.
install(CODE "
  if(CMAKE_INSTALL_DO_STRIP)
    get_filename_component(dog_lib \"${CMAKE_INSTALL_LIBDIR}\" ABSOLUTE BASE_DIR \"\${CMAKE_INSTALL_PREFIX}\")
    set(dog_file \"\$ENV{DESTDIR}\${dog_lib}/libdog.so.${VERSION}\")
    execute_process(COMMAND \"${CMAKE_STRIP}\" \"\${dog_file}\" RESULT_VARIABLE failed)
    if(failed)
      message(FATAL_ERROR \"\${dog_file} could not be stripped: \${failed}\")
    endif()
  endif()")

# dog.pc: the folders have the Makefile's names in the template.
file(RELATIVE_PATH dog_up "${dog_lib}/pkgconfig" "${CMAKE_INSTALL_PREFIX}")
file(RELATIVE_PATH dog_pc_lib "${CMAKE_INSTALL_PREFIX}" "${dog_lib}")
file(RELATIVE_PATH dog_pc_inc "${CMAKE_INSTALL_PREFIX}" "${dog_inc}")
string(REGEX REPLACE "/$" "" PREFIX "\${pcfiledir}/${dog_up}")
file(READ dog.pc.in dog_pc)
string(CONFIGURE "${dog_pc}" dog_pc @ONLY)
string(REPLACE "\${prefix}/lib" "\${prefix}/${dog_pc_lib}" dog_pc "${dog_pc}")
string(REPLACE "\${prefix}/include" "\${prefix}/${dog_pc_inc}" dog_pc "${dog_pc}")
file(WRITE "${CMAKE_CURRENT_BINARY_DIR}/install/dog.pc" "${dog_pc}")
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/install/dog.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")

# dogConfig.cmake and dogConfigVersion.cmake.
file(RELATIVE_PATH LIB_TO_INCLUDE "${dog_lib}" "${dog_inc}")
foreach(name dogConfig.cmake dogConfigVersion.cmake)
  configure_file(cmake/${name}.in "${CMAKE_CURRENT_BINARY_DIR}/install/${name}" @ONLY)
  install(FILES "${CMAKE_CURRENT_BINARY_DIR}/install/${name}" DESTINATION "${CMAKE_INSTALL_LIBDIR}/cmake/dog")
endforeach()
