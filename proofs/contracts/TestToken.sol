// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";

/// @title TestToken: stands in for LPT on local networks
/// @notice Worthless on purpose; only its deployer can mint.
contract TestToken is ERC20, Ownable {
    constructor() ERC20("Fisherman Test Token", "FTT") Ownable(msg.sender) {}

    /// @notice Creates `amount` (10^-18 tokens) for `to`.
    function mint(address to, uint256 amount) external onlyOwner {
        _mint(to, amount);
    }
}
