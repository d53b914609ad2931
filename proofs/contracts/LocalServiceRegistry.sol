// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title LocalServiceRegistry: where an orchestrator can be reached, with the ABI of Livepeer's ServiceRegistry
/// @notice A small double for local networks; on public networks the deployed registry is used.
contract LocalServiceRegistry {
    mapping(address => string) private _uris;

    /// @notice Same event as the deployed contract.
    event ServiceURIUpdate(address indexed addr, string serviceURI);

    /// @notice Publishes the caller's URI.
    function setServiceURI(string calldata serviceURI) external {
        _uris[msg.sender] = serviceURI;
        emit ServiceURIUpdate(msg.sender, serviceURI);
    }

    /// @notice URI of a node; empty when it never published one.
    function getServiceURI(address addr) external view returns (string memory) {
        return _uris[addr];
    }
}
