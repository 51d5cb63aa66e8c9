# muster_public_library(NAME API OBJECT_LIBRARY... LINK OUR_LIBRARY... HEADERS FILE...
#                       DESCRIPTION TEXT [COMPONENT NAME] [TARGET NAME] [REQUIRES PKG...] [LIBS FLAG...])
#
# A library for programs of others, shared (target NAME) and static (target NAME-static),
# with its install rules, a pkg-config file and its part of the CMake package "muster".
#
#   TARGET    another name for the target than the library has
#   API       object libraries whose names are the public ones; they are in it whole
#   LINK      static libraries of ours, of which only what is needed comes along
#   REQUIRES  pkg-config modules that the static library needs at link time
#   LIBS      flags likewise: -pthread -lm
#
# Everything is compiled with hidden visibility, so the shared library exports what
# MUSTER_API marks and nothing else. The static one is a single object whose hidden names
# were made local: a program may have a json_string of its own.
#
#   find_package(muster REQUIRED COMPONENTS track)   -> muster::track, muster::track-static
include(GNUInstallDirs)

function(muster_public_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "DESCRIPTION;COMPONENT;TARGET"
    "API;LINK;HEADERS;REQUIRES;LIBS")
  set(component ${arg_COMPONENT})
  set(target ${name})
  if(arg_TARGET)
    set(target ${arg_TARGET})
  endif()
  set(objects "")
  foreach(api ${arg_API})
    list(APPEND objects $<TARGET_OBJECTS:${api}>)
  endforeach()

  add_library(${target} SHARED ${objects})
  target_link_libraries(${target} PRIVATE ${arg_LINK})
  target_link_options(${target} PRIVATE -Wl,--as-needed -Wl,--exclude-libs,ALL)
  if(NOT MUSTER_SANITIZE)
    target_link_options(${target} PRIVATE -Wl,-z,defs)
  endif()
  set_target_properties(${target} PROPERTIES LINKER_LANGUAGE C OUTPUT_NAME ${name}
    VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}
    LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})

  set(archives "")
  foreach(library ${arg_LINK})
    list(APPEND archives $<TARGET_FILE:${library}>)
  endforeach()
  set(archive ${PROJECT_BINARY_DIR}/lib${name}.a)
  set(whole ${CMAKE_CURRENT_BINARY_DIR}/${name}.o)
  add_custom_command(OUTPUT ${archive}
    COMMAND ${CMAKE_C_COMPILER} -r -nostdlib -o ${whole} ${objects}
            -Wl,--start-group ${archives} -Wl,--end-group
    COMMAND ${CMAKE_OBJCOPY} --localize-hidden ${whole}
    COMMAND ${CMAKE_COMMAND} -E rm -f ${archive}
    COMMAND ${CMAKE_AR} rcs ${archive} ${whole}
    DEPENDS ${objects} ${arg_LINK}
    COMMAND_EXPAND_LISTS VERBATIM
    COMMENT "Making lib${name}.a")
  add_custom_target(${target}-static ALL DEPENDS ${archive})

  set(MUSTER_LIBRARY ${name})
  set(MUSTER_DESCRIPTION ${arg_DESCRIPTION})
  set(MUSTER_TARGET ${component})
  list(JOIN arg_REQUIRES " " MUSTER_REQUIRES)
  list(JOIN arg_LIBS " " MUSTER_LIBS)
  file(RELATIVE_PATH MUSTER_PREFIX_FROM_PC
    /p/${CMAKE_INSTALL_LIBDIR}/pkgconfig /p)
  file(RELATIVE_PATH MUSTER_PREFIX_FROM_CMAKE /p/${CMAKE_INSTALL_LIBDIR}/cmake/muster /p)
  configure_file(${PROJECT_SOURCE_DIR}/cmake/library.pc.in
    ${CMAKE_CURRENT_BINARY_DIR}/${name}.pc @ONLY)
  configure_file(${PROJECT_SOURCE_DIR}/cmake/library-target.cmake.in
    ${CMAKE_CURRENT_BINARY_DIR}/muster-target-${component}.cmake @ONLY)
  configure_file(${PROJECT_SOURCE_DIR}/cmake/muster-config.cmake.in
    ${CMAKE_CURRENT_BINARY_DIR}/muster-config.cmake @ONLY)
  include(CMakePackageConfigHelpers)
  write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/muster-config-version.cmake
    VERSION ${PROJECT_VERSION} COMPATIBILITY SameMajorVersion)

  install(TARGETS ${target} LIBRARY COMPONENT ${component} NAMELINK_COMPONENT ${component})
  install(FILES ${archive} DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT ${component})
  install(FILES ${arg_HEADERS} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/muster
    COMPONENT ${component})
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/${name}.pc
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT ${component})
  install(FILES
    ${CMAKE_CURRENT_BINARY_DIR}/muster-target-${component}.cmake
    ${CMAKE_CURRENT_BINARY_DIR}/muster-config.cmake
    ${CMAKE_CURRENT_BINARY_DIR}/muster-config-version.cmake
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/muster COMPONENT ${component})
endfunction()
