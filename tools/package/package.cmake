# `cpack` in the build folder: ganvas_<version>_<architecture>.deb with what runs (the component `runtime`): the program,
# its library, the stand-ins, models and recipes, man pages and bash completion. It needs the targets ganvas and
# ganvas_docs (tools/setup --package builds both).
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME ganvas)
set(CPACK_PACKAGE_VENDOR "The ganvas authors")
set(CPACK_PACKAGE_CONTACT "The ganvas authors <ganvas@invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "super-resolution and style transfer of pictures with GANs")
set(CPACK_DEBIAN_RUNTIME_DESCRIPTION
"Enlarges photographs two- and fourfold, translates pictures into another style, measures the results, and trains
networks for both, from one command without Python. Models ship with it, and the model files that
people share (.pth, .safetensors, TorchScript) load as they are.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL runtime)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_NAME ganvas)
set(CPACK_DEBIAN_RUNTIME_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SECTION graphics)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SHLIBDEPS ON)
# LibTorch's BLAS: the reference one would satisfy it, many times slower.
set(CPACK_DEBIAN_RUNTIME_PACKAGE_DEPENDS "libopenblas0-pthread | libopenblas0, ca-certificates")

# The binary's terms follow from what it is linked with.
if(GANVAS_WITH_EXIV2)
  set(exiv2_terms "
Comment:
 This build is linked with exiv2, which is GPL-2.0-or-later: as a whole it
 may be distributed only under the terms of the GNU General Public License,
 version 3, with which Apache-2.0 is compatible; Debian systems hold it in
 /usr/share/common-licenses/GPL-3.")
endif()
configure_file(${CMAKE_CURRENT_LIST_DIR}/copyright.in ${PROJECT_BINARY_DIR}/copyright @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/copyright DESTINATION ${CMAKE_INSTALL_DOCDIR})
include(CPack)
