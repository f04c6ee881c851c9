# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Packer: judge the running build machine before sysprep, and the image file after it. A finding fails the build, unless
# the machine may be repaired in place first: packer build -var repair=true .
# Put the two blocks below into the template that builds the image; the source is an example.

packer {
  required_plugins {
    qemu = {
      version = ">= 1.1.0"
      source  = "github.com/hashicorp/qemu"
    }
  }
}

variable "winrm_password" {
  type      = string
  sensitive = true
}

variable "repair" {
  type    = bool
  default = false
}

source "qemu" "windows" {
  communicator     = "winrm"
  winrm_username   = "Administrator"
  winrm_password   = var.winrm_password
  iso_url          = "windows-server-2022.iso"
  iso_checksum     = "none"
  output_directory = "output"
  vm_name          = "windows.qcow2"
}

build {
  sources = ["source.qemu.windows"]

  provisioner "shell-local" {
    environment_vars = [
      "VM_HOST=${build.Host}",
      "VM_PORT=${build.Port}",
      "VM_USER=${build.User}",
      "VM_PASSWORD=${build.Password}",
      "REPAIR=${var.repair}",
    ]
    inline = [
      "ansible-playbook fleetops.tetra.golden_image -c psrp -i \"$VM_HOST,\" -e tetra_hosts=\"$VM_HOST\" -e @docs/ci/packer-connection.yml -e tetra_image_repair=\"$REPAIR\" -e tetra_results_dir=results -e tetra_run_id=machine",
    ]
  }

  post-processor "shell-local" {
    environment_vars = ["IMAGE=output/windows.qcow2"]
    inline = [
      "ansible-playbook fleetops.tetra.golden_image -e \"tetra_images='$IMAGE'\" -e tetra_results_dir=results -e tetra_run_id=gate",
    ]
  }
}
