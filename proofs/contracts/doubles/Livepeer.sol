// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ILivepeerBondingManager, ILivepeerController} from "../Slashers.sol";
import {TestToken} from "../TestToken.sol";

/// @title DoubleController: an address book that anybody can write; for tests only
contract DoubleController is ILivepeerController {
    mapping(bytes32 => address) private _contracts;

    function setContract(string calldata name, address value) external {
        _contracts[keccak256(bytes(name))] = value;
    }

    /// @inheritdoc ILivepeerController
    function getContract(bytes32 id) external view returns (address) {
        return _contracts[id];
    }
}

/// @title DoubleBondingManager: how Livepeer's BondingManager behaves when it slashes; for tests only
/// @notice As measured on the real one: only the Verifier may call, only the own bond is touched, everything reverts without the burner
/// role, more than a whole reverts, an empty bond does not, plain delegators are hit when named.
contract DoubleBondingManager is ILivepeerBondingManager {
    uint256 private constant PPM = 1_000_000;
    DoubleController public immutable controller;
    TestToken public immutable token;
    bool public hasBurnerRole;
    mapping(address => uint256) public bonded;
    mapping(address => address) public delegateOf;

    event TranscoderSlashed(address indexed transcoder, address finder, uint256 penalty, uint256 finderReward);

    error MissingBurnerRole();

    constructor(DoubleController controller_, TestToken token_) {
        controller = controller_;
        token = token_;
    }

    function setBurnerRole(bool value) external {
        hasBurnerRole = value;
    }

    function bond(uint256 amount, address to) external {
        token.transferFrom(msg.sender, address(this), amount);
        bonded[msg.sender] += amount;
        delegateOf[msg.sender] = to;
    }

    function unbond(uint256 amount) external {
        bonded[msg.sender] -= amount;
        token.transfer(msg.sender, amount);
    }

    function transferBond(address to, uint256 amount) external {
        bonded[msg.sender] -= amount;
        bonded[to] += amount;
        delegateOf[to] = delegateOf[msg.sender];
    }

    /// @inheritdoc ILivepeerBondingManager
    function isRegisteredTranscoder(address transcoder) external view returns (bool) {
        return delegateOf[transcoder] == transcoder && bonded[transcoder] > 0;
    }

    /// @inheritdoc ILivepeerBondingManager
    function slashTranscoder(address transcoder, address finder, uint256 slashAmount, uint256 finderFee) external {
        require(msg.sender == controller.getContract(keccak256("Verifier")), "caller must be Verifier");
        uint256 penalty = (bonded[transcoder] * slashAmount) / PPM;
        bonded[transcoder] -= penalty;
        uint256 reward = finder == address(0) ? 0 : (penalty * finderFee) / PPM;
        if (reward > 0) token.transfer(finder, reward);
        // The Minter burns the rest, and calls burn(0) even when nothing is left.
        if (!hasBurnerRole) revert MissingBurnerRole();
        token.transfer(address(0xdead), penalty - reward);
        emit TranscoderSlashed(transcoder, finder, penalty, reward);
    }

    /// @inheritdoc ILivepeerBondingManager
    function getDelegator(
        address delegator
    ) external view returns (uint256, uint256, address, uint256, uint256, uint256, uint256) {
        return (bonded[delegator], 0, delegateOf[delegator], 0, 0, 0, 0);
    }
}
